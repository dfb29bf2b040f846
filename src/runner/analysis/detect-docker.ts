import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

const DOCKERFILE = /^(Dockerfile|Containerfile)(\..+)?$|\.Dockerfile$/;
const COMPOSE = /^(docker-)?compose(\.[\w-]+)?\.ya?ml$/;
const HADOLINT = ['.hadolint.yaml', '.hadolint.yml'];

/** Images and compositions: what can be checked without a daemon, which neither the sandbox nor most runners have. */
export const docker: Ecosystem = {
  name: 'Docker',
  isManifest: (name) => DOCKERFILE.test(name) || COMPOSE.test(name),
  async detect(files, folder) {
    const names = files.namesIn(folder);
    const images = names.filter((name) => DOCKERFILE.test(name)).map((name) => inFolder(folder, name));
    const compositions = names.filter((name) => COMPOSE.test(name)).map((name) => inFolder(folder, name));
    if (images.length + compositions.length === 0) return null;
    const hadolint = [folder, '']
      .flatMap((place) => HADOLINT.map((name) => inFolder(place, name)))
      .find((path) => files.has(path));
    // Others are changes to it, and no whole by themselves.
    const whole = compositions.find((path) => /(^|\/)(docker-)?compose\.ya?ml$/.test(path));
    return aFinding({
      frameworks: [
        ...(images.length > 0 ? ['Docker'] : []),
        ...(compositions.length > 0 ? ['Docker Compose'] : []),
      ],
      lint: [
        ...(hadolint !== undefined && images.length > 0
          ? [
              {
                command: ['hadolint', '--config', hadolint, ...images],
                reason: `there is a ${quoted(hadolint)}`,
              },
            ]
          : []),
        ...(whole === undefined
          ? []
          : [
              {
                command: ['docker', 'compose', '--file', whole, 'config', '--quiet'],
                reason: `checks ${quoted(whole)}, without a daemon`,
              },
            ]),
      ],
    });
  },
};
