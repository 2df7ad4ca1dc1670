/** Whatever waits for the event loop goes first: between parts of something that would hold it for long. */
export const nextTurn = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))
