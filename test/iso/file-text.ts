import fc from 'fast-check'

/** As a file of an image has it: any octets, read as UTF-8. */
export const anyFileText = fc.uint8Array({ maxLength: 300 }).map(bytes => new TextDecoder().decode(bytes))
