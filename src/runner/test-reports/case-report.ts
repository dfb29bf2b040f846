/** How one test ended. */
export type CaseStatus = 'passed' | 'failed' | 'skipped';

/** The single tests of one command, by name. */
export type CaseReport = {
  cases: ReadonlyMap<string, CaseStatus>;
  /** False when tests were left out (too many, broken reports) or two that ended differently share a name. */
  complete: boolean;
};

/** Collects tests as they are read. Names are hostile text: `cleanName` makes one short line of each. */
export type CaseCollector = {
  add(name: string, status: CaseStatus): void;
  /** Something could not be read: nobody knows what it would have told. */
  markIncomplete(): void;
  report(): CaseReport;
};

/** More tests in one command are counted out: a report is for people. */
const MAX_CASES = 50_000;

export function createCaseCollector(cleanName: (name: string) => string): CaseCollector {
  const cases = new Map<string, CaseStatus>();
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
    markIncomplete: () => {
      complete = false;
    },
    report: () => ({ cases, complete }),
  };
}

function worse(one: CaseStatus, other: CaseStatus): CaseStatus {
  if (one === 'failed' || other === 'failed') return 'failed';
  return one === 'passed' || other === 'passed' ? 'passed' : 'skipped';
}
