/** A program of whose system calls some fail, or are its last: strace stands between it and the kernel. */

export type Fault = {
  /** With commas between them. */
  calls: string
  /** In strace's words. */
  fault: 'error=EIO' | 'signal=KILL'
  /** The files that they are about; each call about one of them counts. */
  files: readonly string[]
  /** The number of the first one that it happens to, and to all that follow; each thread counts its own. */
  from: number
}

/** What stands before the words of the program. Left out: strace's `--seccomp-bpf`, with which it sends no signals. */
export function withFault({ calls, fault, files, from }: Fault): string[] {
  const paths = files.flatMap(file => ['-P', file])
  const inject = `inject=${calls}:${fault}:when=${from}+`
  return ['strace', '-f', '-qq', '-o', '/dev/null', ...paths, '-e', `trace=${calls}`, '-e', inject]
}
