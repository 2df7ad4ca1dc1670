/** What an instruction of a Dockerfile has behind its name; continued lines are not known. */
export function dockerInstruction(text: string, name: string): string {
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)![1]!
}
