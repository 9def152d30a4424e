// What this browser remembers for the next visit. Storage may be forbidden; then nothing is remembered.

type Item = 'name' | 'language';

export function remembered(item: Item): string | undefined {
  try {
    return localStorage.getItem(`fairlead.${item}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(item: Item, value: string): void {
  try {
    localStorage.setItem(`fairlead.${item}`, value);
  } catch {
    // Nothing to be done about it, and nothing lost.
  }
}
