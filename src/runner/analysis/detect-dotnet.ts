import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

const PROJECT = /\.(sln|slnx|csproj|fsproj|vbproj)$/;

/** .NET solutions and projects. */
export const dotnet: Ecosystem = {
  name: '.NET',
  isManifest: (name) => PROJECT.test(name),
  async detect(files, folder) {
    const names = files.namesIn(folder).filter((name) => PROJECT.test(name));
    // A solution names its projects; several projects in one folder have to be named anyway.
    const name = names.find((name) => /\.slnx?$/.test(name)) ?? names[0];
    if (name === undefined) return null;
    const manifest = inFolder(folder, name);
    const prefix = folder === '' ? '' : `${folder}/`;
    const projects = files.paths
      .filter((path) => path.startsWith(prefix) && path.endsWith('proj'))
      .slice(0, 50);
    const texts = await Promise.all(projects.map((path) => files.read(path)));
    const testProject = projects.find((_, index) => texts[index]?.includes('Microsoft.NET.Test.Sdk'));
    return aFinding({
      packageManagers: ['nuget'],
      frameworks: texts.some((text) => text?.includes('Microsoft.NET.Sdk.Web')) ? ['ASP.NET Core'] : [],
      setup: [{ command: ['dotnet', 'restore', manifest], reason: `there is a ${quoted(manifest)}` }],
      test:
        testProject === undefined
          ? []
          : [{ command: ['dotnet', 'test', manifest], reason: `${quoted(testProject)} is a test project` }],
      lint: [folder, ''].some((place) => files.has(inFolder(place, '.editorconfig')))
        ? [
            {
              command: ['dotnet', 'format', manifest, '--verify-no-changes'],
              reason: `${quoted(manifest)}, and an \`.editorconfig\` says how it is written`,
            },
          ]
        : [],
    });
  },
};
