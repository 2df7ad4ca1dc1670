/** Words of the appliance, in which commands and keys stand between back-quotes. */
import { Fragment } from 'preact'

export function Words({ text }: { text: string }) {
  return (
    <>
      {text.split('`').map((part, index, { length }) => (
        // One that is not closed is a back-quote.
        <Fragment key={index}>
          {index % 2 === 0 ? part : index === length - 1 ? `\`${part}` : <code>{part}</code>}
        </Fragment>
      ))}
    </>
  )
}
