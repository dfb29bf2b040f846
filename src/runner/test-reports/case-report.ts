/** How one test ended. */
export type CaseStatus = 'passed' | 'failed' | 'skipped';

/** What a framework says of a failing test. */
export type CaseFailure = {
  message: string;
  /** Lines that it names, the likeliest first; whether there are such files is not looked at. */
  places: readonly { path: string; line: number }[];
};

/** The single tests of one command, by name. */
export type CaseReport = {
  cases: ReadonlyMap<string, CaseStatus>;
  /** Of failing ones, the first of them. */
  failures: ReadonlyMap<string, CaseFailure>;
  /** False when tests were left out (too many, broken reports) or two that ended differently share a name. */
  complete: boolean;
};

/** Collects tests as they are read. All text is hostile: `cleanName` makes one short line of a name, `cleanText` plain text of the rest. */
export type CaseCollector = {
  add(name: string, status: CaseStatus): void;
  /** Why a test failed; said again, it is added. `place`: where the test stands. */
  explain(name: string, text: string, place?: { path: unknown; line: unknown }): void;
  /** Something could not be read: nobody knows what it would have told. */
  markIncomplete(): void;
  report(): CaseReport;
};

/** More tests in one command are counted out: a report is for people. */
const MAX_CASES = 50_000;
/** Of all the failing tests that may yet turn out to be flaky. */
const MAX_FAILURES = 200;
/** Before it is cleaned: the end of it is never shown, so nothing is cut in the middle of a secret. */
const MAX_TEXT = 8000;
const MAX_MESSAGE = 1500;
const MAX_PLACES = 20;

/** `test/cart.test.js:12`, `File "cart.py", line 12`, `CartTest.cs:line 12`, as far as it looks like a file with an ending. */
const PLACE = /([\w@+./-]{1,300}\.[A-Za-z]\w{0,9})(?::|", line |:line )(\d{1,7})\b/g;

export function createCaseCollector(
  cleanName: (name: string) => string,
  cleanText: (text: string) => string,
): CaseCollector {
  const cases = new Map<string, CaseStatus>();
  const explained = new Map<string, { text: string; place: CaseFailure['places'] }>();
  let complete = true;

  return {
    add: (name, status) => {
      const cleaned = cleanName(name);
      const known = cases.get(cleaned);
      if (known === undefined && cases.size >= MAX_CASES) {
        complete = false;
        return;
      }
      // Which of the two a later run means, nobody could tell.
      if (known !== undefined && known !== status && (known === 'failed' || status === 'failed')) {
        complete = false;
      }
      cases.set(cleaned, known === undefined ? status : worse(known, status));
    },
    explain: (name, text, place) => {
      const ownPlace = toPlace(place);
      if (text.trim() === '' && ownPlace.length === 0) return;
      const cleaned = cleanName(name);
      const known = explained.get(cleaned);
      if (known === undefined && explained.size >= MAX_FAILURES) return;
      const whole = known === undefined ? text : `${known.text}\n${text}`;
      explained.set(cleaned, { text: whole.slice(0, MAX_TEXT), place: known?.place ?? ownPlace });
    },
    markIncomplete: () => {
      complete = false;
    },
    report: () => {
      const failures = new Map<string, CaseFailure>();
      for (const [name, { text, place }] of explained) {
        const cleaned = cleanText(text).trim();
        const ownPlace = place.map(({ path, line }) => ({ path: cleanText(path), line }));
        failures.set(name, {
          message: cleaned.slice(0, MAX_MESSAGE).toWellFormed(),
          places: [...findPlaces(cleaned), ...ownPlace],
        });
      }
      return { cases, failures, complete };
    },
  };
}

function findPlaces(text: string): { path: string; line: number }[] {
  const places = [];
  for (const [, path = '', line] of text.matchAll(PLACE)) {
    // What is left of a `file://` address whose folder was taken off.
    places.push({ path: path.replace(/^\/\//, ''), line: Number(line) });
    if (places.length === MAX_PLACES) break;
  }
  return places;
}

function toPlace(place?: { path: unknown; line: unknown }): { path: string; line: number }[] {
  const line = Number(place?.line);
  if (typeof place?.path !== 'string' || !Number.isInteger(line) || line < 1) return [];
  return [{ path: place.path.slice(0, MAX_TEXT), line }];
}

function worse(one: CaseStatus, other: CaseStatus): CaseStatus {
  if (one === 'failed' || other === 'failed') return 'failed';
  return one === 'passed' || other === 'passed' ? 'passed' : 'skipped';
}
