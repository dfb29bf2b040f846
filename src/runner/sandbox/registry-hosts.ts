/** Where the package managers of the ecosystems that we know get their packages, and nothing else. */
export const REGISTRY_HOSTS: readonly string[] = [
  // Node.js
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  'repo.yarnpkg.com',
  // Python
  'pypi.org',
  'files.pythonhosted.org',
  // Rust
  'crates.io',
  'index.crates.io',
  'static.crates.io',
  // Go
  'proxy.golang.org',
  'sum.golang.org',
  // Java
  'repo.maven.apache.org',
  'repo1.maven.org',
  'plugins.gradle.org',
  'plugins-artifacts.gradle.org',
  'services.gradle.org',
  'downloads.gradle.org',
  // .NET
  'api.nuget.org',
  'globalcdn.nuget.org',
  // Ruby
  'rubygems.org',
  'index.rubygems.org',
  // PHP
  'packagist.org',
  'repo.packagist.org',
  // Elixir
  'hex.pm',
  'repo.hex.pm',
  'builds.hex.pm',
  // Terraform
  'registry.terraform.io',
  'releases.hashicorp.com',
];

/** What an entry without a port stands for: https and http. */
const DEFAULT_PORTS = [443, 80];

/** Whether one of `entries` (`name`, `*.name`, `name:port`) allows this host and port. A `*.` stands for one name or more. */
export function isAllowedHost(host: string, port: number, entries: readonly string[]): boolean {
  const wanted = host.toLowerCase().replace(/\.$/, '');
  return entries.some((entry) => {
    const [name = '', ownPort] = entry.split(':');
    const ports = ownPort === undefined ? DEFAULT_PORTS : [Number(ownPort)];
    if (!ports.includes(port)) return false;
    return name.startsWith('*.') ? wanted.endsWith(name.slice(1)) : wanted === name;
  });
}
