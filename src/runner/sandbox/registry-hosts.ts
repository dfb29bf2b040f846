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
