/** Which server the page plays on: the query's `?server=`, else the page's `<meta>`, else where the page came from. */

/** The origin of the server, as `https://host:port`. An address that makes no sense is passed over. */
export function serverAddress(page: Pick<Location, 'search' | 'origin'>, setting: string | undefined): string {
  const asked = new URLSearchParams(page.search).get('server');
  return originOf(asked) ?? originOf(setting) ?? page.origin;
}

function originOf(address: string | null | undefined): string | undefined {
  if (address === null || address === undefined || address.trim() === '') return undefined;
  const text = address.trim();
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
    return /^https?:$/.test(url.protocol) ? url.origin : undefined;
  } catch {
    return undefined;
  }
}
