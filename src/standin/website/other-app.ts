import type { Site } from '../site.ts';
import type { CheckAnnotation, CheckConclusion } from '../world.ts';

/** As continuous integration would be, on GitHub's own Actions. */
const APP = { id: 15_368, slug: 'github-actions', name: 'GitHub Actions' };

/** What an App does that is not the registered one: it checks commits. */
export function createOtherApp(site: Pick<Site, 'world' | 'refs' | 'checks' | 'app'>) {
  const { world, refs, checks, app } = site;

  return {
    /** Checks the head of a branch, and ends at once. Gives the check run's id. */
    async reportCheck(
      fullName: string,
      branch: string,
      wanted: {
        name: string;
        conclusion: CheckConclusion;
        title?: string;
        summary?: string;
        text?: string;
        annotations?: { path: string; line: number; message: string }[];
        /** What its job printed, line by line, as GitHub Actions keeps it. */
        log?: string;
      },
    ): Promise<number> {
      const repository = world.repository(fullName);
      const sha = repository && (await refs.branch(repository.folder, branch));
      if (!repository || sha == null) throw new Error(`${fullName} has no branch ${branch}`);
      const {
        name,
        conclusion,
        title = name,
        summary = '',
        text = null,
        annotations = [],
        log = null,
      } = wanted;
      const suite = checks.createSuite(repository, sha, branch, null, APP);
      const fields = {
        conclusion,
        output: { title, summary, text },
        annotations: annotations.map(({ path, line, message }): CheckAnnotation => ({
          path,
          startLine: line,
          endLine: line,
          startColumn: null,
          endColumn: null,
          level: 'failure',
          message,
          title: null,
          rawDetails: null,
        })),
      };
      const by = { account: app.bot, viaApp: true };
      const run = await checks.createRun(repository, by, sha, name, fields, suite, log);
      return run.id;
    },
  };
}
