/** Lists that come in pages: the header that says where the next one is (RFC 8288), written and read. */
import type { FastifyReply, FastifyRequest } from 'fastify'

/** `hasMore`: the next page begins after the last of these. */
export type Page<View> = { views: View[]; hasMore: boolean }

/** The same question, for what comes after that one. */
function nextLink(url: string, after: string): string {
  const [path, query] = url.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.set('after', after)
  return `<${path}?${parameters.toString()}>; rel="next"`
}

/** @param nameOf what the question for the next page calls the last of this one */
export function sendPage<View>(
  { url }: Pick<FastifyRequest, 'url'>,
  reply: Pick<FastifyReply, 'header'>,
  { views, hasMore }: Page<View>,
  nameOf: (view: View) => string,
): View[] {
  const last = views.at(-1)
  if (hasMore && last) void reply.header('link', nextLink(url, nameOf(last)))
  return views
}

export function hasNext(link: string | undefined): boolean {
  return link?.includes('rel="next"') ?? false
}
