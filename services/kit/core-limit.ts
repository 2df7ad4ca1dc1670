/** No core file: it would hold the secrets of every installation that runs. The unit says the same; this is for a process that nobody manages. */
import koffi from 'koffi'

/** <asm-generic/resource.h>, as on every architecture that Debian has for servers. */
const RLIMIT_CORE = 4
/** `struct rlimit`: the soft and the hard limit, both zero. */
const NONE = new Uint8Array(16)

/** False where libc can't be called or refuses; nothing else rests on it. */
export function refuseCore(): boolean {
  try {
    const setrlimit = koffi.load('libc.so.6').func('int setrlimit(int, const uint8_t *)')
    return setrlimit(RLIMIT_CORE, NONE) === 0
  } catch {
    return false
  }
}
