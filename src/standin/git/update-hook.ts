import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refusalMark } from './receive-report.ts';

/**
 * The `update` hook of every repository. git has the pushed objects by then, so this is where a push can be
 * refused for what it holds. The variables say what is not allowed: STANDIN_REFUSED_REFS lists refs under a
 * rule, STANDIN_NO_FORCE refs that may not be rewritten, STANDIN_SIGNED_REFS refs that take no new commits but
 * STANDIN_SIGNED_COMMITS, and STANDIN_WORKFLOW_ACTOR is set when the pusher may not touch workflows.
 */
const script = `#!/bin/sh
ref=$1 old=$2 new=$3
zero=0000000000000000000000000000000000000000
refuse() { printf '%s\\n' "${refusalMark}$ref $1" >&2; exit 1; }
violation() {
  echo "error: GH013: Repository rule violations found for $ref." >&2
  refuse 'push declined due to repository rule violations'
}
case " $STANDIN_REFUSED_REFS " in *" $ref "*) violation ;; esac
case " $STANDIN_NO_FORCE " in *" $ref "*)
  if [ "$old" != $zero ] && [ "$new" != $zero ] && ! git merge-base --is-ancestor "$old" "$new"; then violation; fi ;;
esac
case " $STANDIN_SIGNED_REFS " in *" $ref "*)
  if [ "$new" != $zero ]; then
    for commit in $(git rev-list "$new" --not --branches); do
      case " $STANDIN_SIGNED_COMMITS " in
        *" $commit "*) ;;
        *) echo "error: GH013: Repository rule violations found for $ref." >&2
          echo "- Commits must have verified signatures." >&2
          refuse 'push declined due to repository rule violations' ;;
      esac
    done
  fi ;;
esac
if [ -n "$STANDIN_WORKFLOW_ACTOR" ] && [ "$new" != $zero ]; then
  file=$(git log -m --format= --name-only "$new" --not --all -- .github/workflows | head -n 1)
  if [ -n "$file" ]; then
    refuse "refusing to allow $STANDIN_WORKFLOW_ACTOR to create or update workflow \\\`$file\\\` without \\\`$STANDIN_WORKFLOW_WORD"
  fi
fi
exit 0
`;

export async function installUpdateHook(folder: string): Promise<void> {
  await mkdir(join(folder, 'hooks'), { recursive: true });
  await writeFile(join(folder, 'hooks', 'update'), script, { mode: 0o755 });
}

/**
 * The variables for the hook. `workflows` names who may not touch workflow files, or is null when they may.
 */
export function hookVariables(wanted: {
  refusedRefs: readonly string[];
  noForceRefs: readonly string[];
  signedRefs: readonly string[];
  /** Those that GitHub has signed. */
  signedCommits: ReadonlySet<string>;
  workflows: 'app' | 'user' | null;
}): Record<string, string> {
  const variables: Record<string, string> = {
    STANDIN_REFUSED_REFS: wanted.refusedRefs.join(' '),
    STANDIN_NO_FORCE: wanted.noForceRefs.join(' '),
    STANDIN_SIGNED_REFS: wanted.signedRefs.join(' '),
    // They may be many, and are looked at for such refs alone.
    STANDIN_SIGNED_COMMITS: wanted.signedRefs.length === 0 ? '' : [...wanted.signedCommits].join(' '),
  };
  if (wanted.workflows === 'app') {
    variables['STANDIN_WORKFLOW_ACTOR'] = 'a GitHub App';
    variables['STANDIN_WORKFLOW_WORD'] = 'workflows` permission';
  }
  if (wanted.workflows === 'user') {
    variables['STANDIN_WORKFLOW_ACTOR'] = 'a Personal Access Token';
    variables['STANDIN_WORKFLOW_WORD'] = 'workflow` scope';
  }
  return variables;
}
