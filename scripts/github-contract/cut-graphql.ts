import { type DefinitionNode, Kind, parse, print } from 'graphql';

/** Of each type of GitHub's schema the fields that we ask for; enums and scalars whole. */
export type KeptFields = Readonly<Record<string, readonly string[] | 'whole'>>;

/**
 * The slice of a GraphQL schema that has these fields, without the descriptions. Throws when one of them is not there, or has a type that is
 * not kept.
 */
export function cutGraphql(schema: string, kept: KeptFields): string {
  const document = parse(schema, { noLocation: true });
  const cut = Object.entries(kept).map(([name, fields]) => {
    const found = document.definitions.find((one) => 'name' in one && one.name?.value === name);
    if (found === undefined) throw new Error(`the schema has no ${name}`);
    return print(withoutDescriptions(fields === 'whole' ? found : keepFields(found, name, kept)));
  });
  return `${cut.join('\n\n')}\n`;
}

function keepFields(found: DefinitionNode, name: string, kept: KeptFields): DefinitionNode {
  const fields: readonly string[] = [kept[name] ?? []].flat();
  if (found.kind !== Kind.OBJECT_TYPE_DEFINITION && found.kind !== Kind.INTERFACE_TYPE_DEFINITION)
    throw new Error(`${name} has no fields`);
  const left = (found.fields ?? []).filter((field) => fields.includes(field.name.value));
  if (left.length < fields.length) throw new Error(`${name} lacks one of ${fields.join(', ')}`);
  const interfaces = (found.interfaces ?? []).filter((one) => one.name.value in kept);
  return { ...found, fields: left, interfaces, directives: [] };
}

/** Descriptions are most of the file. */
function withoutDescriptions<Node>(node: Node): Node {
  return JSON.parse(
    JSON.stringify(node, (key, value: unknown) => (key === 'description' ? undefined : value)),
  ) as Node;
}
