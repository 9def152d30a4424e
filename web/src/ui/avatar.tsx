const hues = 8;

/** The first letter of a name on a colour of its own; decoration, the name is always written beside it. */
export function Avatar({ name, large = false }: { name: string; large?: boolean }) {
  const sum = [...name].reduce((total, letter) => (total * 31 + letter.codePointAt(0)!) % 9973, 7);
  const initial = ([...name][0] ?? '').toLocaleUpperCase();
  return (
    <span class={`avatar hue-${sum % hues} ${large ? 'large' : ''}`} aria-hidden="true">
      {initial}
    </span>
  );
}
