/** The path that a `file:` URL names. */
export function fromFileUrl(url: URL): string {
  return decodeURIComponent(url.pathname);
}
