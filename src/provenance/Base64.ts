/** @module Base64 (RFC 4648 § 4), padded, one spelling for the same bytes: how notes carry hashes and signatures. */

/** Bytes as base64. */
export function encode(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** The bytes of a base64 text; undefined unless it is exactly what {@link encode} gives. */
export function decode(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  return encode(bytes) === text ? bytes : undefined
}
