import { InvalidArgumentError } from 'commander';

/** The coordinator's address as somebody typed it, without spaces around it. Throws with how to write it. */
export function toCoordinatorUrl(text: string): string {
  const typed = text.trim();
  // Without a scheme, `localhost:8080` would be read as one.
  if (!/^https?:\/\//i.test(typed)) {
    const rest = typed.replace(/^([a-z][\w+.-]*:)?\/\//i, '');
    throw new InvalidArgumentError(`Write it with http:// or https://, such as http://${rest}`);
  }
  if (!URL.canParse(typed)) {
    throw new InvalidArgumentError('It must be an address such as http://192.168.1.10:8080');
  }
  return typed;
}
