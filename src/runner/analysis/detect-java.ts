import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder, type RepositoryFiles } from './repository-files.ts';

const GRADLE = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'];

const FRAMEWORKS = [
  [/spring-boot|springframework\.boot/, 'Spring Boot'],
  [/quarkus/, 'Quarkus'],
  [/micronaut/, 'Micronaut'],
  [/io\.ktor/, 'Ktor'],
  [/com\.android\.(application|library)/, 'Android'],
] as const;

/** Plugins that check without changing anything: what the build file calls them, and how they are run. */
const LINTERS = [
  { name: 'spotless', pattern: /spotless/, maven: 'spotless:check', gradle: 'spotlessCheck' },
  {
    name: 'checkstyle',
    pattern: /checkstyle/,
    maven: 'checkstyle:check',
    gradle: 'checkstyleMain',
  },
  { name: 'detekt', pattern: /detekt/, maven: 'detekt:check', gradle: 'detekt' },
  { name: 'ktlint', pattern: /ktlint/, maven: 'ktlint:check', gradle: 'ktlintCheck' },
] as const;

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
      frameworks: FRAMEWORKS.filter(([pattern]) => pattern.test(text)).map(([, name]) => name),
      test: [
        {
          command: manifest === maven ? toMaven(files, folder, 'test') : toGradle(files, folder, 'test'),
          reason: `there is a ${quoted(manifest)}`,
        },
      ],
      lint: LINTERS.filter(({ pattern }) => pattern.test(text)).map(
        ({ name, maven: goal, gradle: task }) => ({
          command: manifest === maven ? toMaven(files, folder, goal) : toGradle(files, folder, task),
          reason: `${quoted(manifest)} names ${name}`,
        }),
      ),
    });
  },
};

function toMaven(files: RepositoryFiles, folder: string, goal: string): string[] {
  const wrapper = findWrapper(files, folder, 'mvnw');
  return [wrapper ?? 'mvn', '--batch-mode', ...(folder === '' ? [] : ['--file', `${folder}/pom.xml`]), goal];
}

function toGradle(files: RepositoryFiles, folder: string, task: string): string[] {
  const wrapper = findWrapper(files, folder, 'gradlew');
  // A daemon would outlive the tests.
  return [wrapper ?? 'gradle', '--no-daemon', ...(folder === '' ? [] : ['--project-dir', folder]), task];
}

function findWrapper(files: RepositoryFiles, folder: string, name: string): string | null {
  const path = [inFolder(folder, name), name].find((path) => files.has(path));
  return path === undefined ? null : `./${path}`;
}
