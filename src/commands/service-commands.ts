import { realpathSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isWithin } from '../runner/sandbox/paths.ts';
import { installUnit } from '../runner/service/install-unit.ts';
import { toUnitFile } from '../runner/service/unit-file.ts';
import type { CommandLine } from './command-line.ts';
import { configOption, readConfig } from './runner-config-option.ts';

type ServiceOptions = { config: string; user: string };

/** `yardmaster runner service …`: the runner as a systemd service. */
export function addServiceCommands(runner: Command, cli: CommandLine): void {
  const service = runner.command('service').description('the runner as a systemd service');

  service
    .command('print')
    .description('print the unit, for this installation and this runner.yml')
    .addOption(userOption())
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nExample:\n  yardmaster runner service print --config /etc/yardmaster/runner.yml --user yardmaster',
    )
    .action(async (options: ServiceOptions) => cli.print((await makeUnit(options)).trimEnd()));

  service
    .command('install')
    .description('write the unit where systemd finds it (as root)')
    .addOption(userOption())
    .option('--name <name>', 'of the unit', toUnitName, 'yardmaster-runner')
    .option('--folder <folder>', 'where units are', '/etc/systemd/system')
    .option('--force', 'replace another unit of that name', false)
    .addOption(configOption())
    .addHelpText(
      'after',
      `
It neither enables nor starts it. Keys of agents go into runner.env beside runner.yml, one NAME=value a line.
“systemctl reload” reads runner.yml anew; “systemctl stop” lets the runner finish what it has, for 15 minutes.

Example:
  sudo yardmaster runner service install --config /etc/yardmaster/runner.yml --user yardmaster
  sudo systemctl enable --now yardmaster-runner`,
    )
    .action(async (options: ServiceOptions & { name: string; folder: string; force: boolean }) => {
      const { name, folder, force } = options;
      const { file, result } = await installUnit(await makeUnit(options), { folder, name }, { force });
      cli.print(result === 'same' ? `${file} is as it should be.` : `${file} was written.`);
      cli.print(
        [
          `Next: put the agents’ keys into ${path.join(path.dirname(path.resolve(options.config)), 'runner.env')} (chmod 600), then`,
          `  systemctl enable --now ${name}`,
          `  journalctl --unit ${name} --follow`,
        ].join('\n'),
      );
    });

  async function makeUnit(options: ServiceOptions): Promise<string> {
    const config = await readConfig(options.config, cli.environment);
    const others = [config.logging.file, config.keyFile]
      .filter((file) => file !== null)
      .map((file) => path.dirname(file))
      .filter((folder) => !isWithin(folder, config.workspaceRoot));
    return toUnitFile({
      runnerName: config.agentId,
      user: options.user,
      command: [process.execPath, realpathSync(process.argv[1] ?? '')],
      configFile: path.resolve(options.config),
      writable: [...new Set([config.workspaceRoot, ...others])],
    });
  }
}

function userOption(): Option {
  return new Option('--user <name>', 'as whom the runner runs').default('yardmaster');
}

function toUnitName(text: string): string {
  if (/^[\w:.-]{1,200}$/.test(text) && !text.endsWith('.service')) return text;
  throw new InvalidArgumentError('It must be letters, digits, : . _ - without “.service”.');
}
