import { expect, test } from 'vitest';
import { toCoordinatorUrl } from '../../src/commands/coordinator-url.ts';

test.each(['http://192.168.1.10:8080', ' https://yardmaster.example.com/yard ', 'HTTP://localhost'])(
  '%j is taken',
  (typed) => {
    expect(toCoordinatorUrl(typed)).toBe(typed.trim());
  },
);

test.each([
  ['127.0.0.1:9', 'such as http://127.0.0.1:9'],
  ['localhost:8080', 'such as http://localhost:8080'],
  ['//yard.example.com', 'such as http://yard.example.com'],
  ['ftp://yard.example.com', 'such as http://yard.example.com'],
  ['http://', 'such as http://192.168.1.10:8080'],
])('%s is refused with how to write it', (typed, hint) => {
  expect(() => toCoordinatorUrl(typed)).toThrow(hint);
});
