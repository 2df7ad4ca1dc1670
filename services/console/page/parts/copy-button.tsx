/** Takes a text along. Browsers give the clipboard to pages over TLS and on this computer only; elsewhere the text can be selected. */
import { useSignal } from '@preact/signals'

export function CopyButton({ text, what }: { text: string; what: string }) {
  const isCopied = useSignal(false)
  if (!isSecureContext) return null
  return (
    <button
      type="button"
      class="small"
      onClick={() => void navigator.clipboard.writeText(text).then(() => (isCopied.value = true))}
    >
      {isCopied.value ? 'Copied' : 'Copy'}
      <span class="hidden"> {what}</span>
    </button>
  )
}
