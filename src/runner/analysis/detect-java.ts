import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';

const GRADLE = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'];

/** Java and Kotlin, with Maven or Gradle. They fetch what they need by themselves. */
export const java: Ecosystem = {
  name: 'Java',
  isManifest: (name) => name === 'pom.xml' || GRADLE.includes(name),
  async detect(files, folder) {
    const maven = inFolder(folder, 'pom.xml');
    const gradle = GRADLE.map((name) => inFolder(folder, name)).find((path) => files.has(path));
    const manifest = files.has(maven) ? maven : gradle;
    if (manifest === undefined) return null;
    const text = (await files.read(manifest)) ?? '';
    return aFinding({
      packageManagers: [manifest === maven ? 'maven' : 'gradle'],
      frameworks:
        text.includes('spring-boot') || text.includes('springframework.boot') ? ['Spring Boot'] : [],
      test: [
        {
          command: manifest === maven ? toMaven(files, folder) : toGradle(files, folder),
          reason: `there is a ${quoted(manifest)}`,
        },
      ],
    });
  },
};

function toMaven(files: RepositoryFiles, folder: string): string[] {
  const wrapper = findWrapper(files, folder, 'mvnw');
  return [
    wrapper ?? 'mvn',
    '--batch-mode',
    ...(folder === '' ? [] : ['--file', `${folder}/pom.xml`]),
    'test',
  ];
}

function toGradle(files: RepositoryFiles, folder: string): string[] {
  const wrapper = findWrapper(files, folder, 'gradlew');
  // A daemon would outlive the tests.
  return [wrapper ?? 'gradle', '--no-daemon', ...(folder === '' ? [] : ['--project-dir', folder]), 'test'];
}

function findWrapper(files: RepositoryFiles, folder: string, name: string): string | null {
  const path = [inFolder(folder, name), name].find((path) => files.has(path));
  return path === undefined ? null : `./${path}`;
}
