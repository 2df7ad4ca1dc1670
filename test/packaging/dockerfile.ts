/** What an instruction of a Dockerfile has behind its name; continued lines are not known. */
export function dockerInstruction(text: string, name: string): string {
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)![1]!
}

/** The words of a command line that is written as JSON. */
export function dockerWords(text: string, name: 'ENTRYPOINT' | 'CMD'): string[] {
  return JSON.parse(dockerInstruction(text, name)) as string[]
}
