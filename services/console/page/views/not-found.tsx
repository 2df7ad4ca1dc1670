/** A path that the page does not know. */

export function NotFoundView() {
  return (
    <section class="empty">
      <h1 tabIndex={-1}>There is nothing here</h1>
      <p>
        The address may be of another version. All machines are <a href="/">in the rack</a>.
      </p>
    </section>
  )
}
