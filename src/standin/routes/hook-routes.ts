import { notFound, validationFailed } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import type { Delivery } from '../webhooks/delivery.ts';
import { requireApp } from './app-routes.ts';

/**
 * The App's webhook: its settings, the log of deliveries, and redelivery; and the manifest flow that makes
 * Apps.
 */
export function hookRoutes(site: Pick<Site, 'world' | 'links' | 'app' | 'shapes' | 'sender'>): Route[] {
  const { world, links, app, shapes, sender } = site;

  function config() {
    return {
      content_type: 'json',
      insecure_ssl: '0',
      secret: '********',
      url: sender.target() ?? '',
    };
  }

  function deliveryOf(call: Call): Delivery {
    requireApp(call);
    const id = Number(param(call, 'delivery'));
    const found = sender.deliveries().find((one) => one.id === id);
    if (!found) throw notFound();
    return found;
  }

  /** Newest first; the cursor is the id of the first delivery of the next page. */
  function listDeliveries(call: Call): Reply {
    requireApp(call);
    const wanted = call.query.get('status');
    const cursor = Number(call.query.get('cursor')?.replace(/^v1_/, '') ?? Number.POSITIVE_INFINITY);
    const perPage = Math.min(Number(call.query.get('per_page') ?? 30) || 30, 100);
    const all = sender
      .deliveries()
      .filter(
        (one) => one.id <= cursor && (wanted === null || (one.status === 'OK') === (wanted === 'success')),
      )
      .sort((a, b) => b.id - a.id);
    const next = all[perPage];
    const query = new URLSearchParams(call.query);
    if (next) query.set('cursor', `v1_${next.id}`);
    return {
      status: 200,
      body: all.slice(0, perPage).map((one) => shapes.installations.delivery(one)),
      headers: next ? { link: `<${links.api}/app/hook/deliveries?${query.toString()}>; rel="next"` } : {},
    };
  }

  return [
    {
      method: 'GET',
      pattern: '/app/hook/config',
      handle(call) {
        requireApp(call);
        return { status: 200, body: config() };
      },
    },
    {
      method: 'PATCH',
      pattern: '/app/hook/config',
      handle(call) {
        requireApp(call);
        const body = createBodyReader(call.body);
        const url = body.text('url');
        if (url !== undefined && !URL.canParse(url)) {
          throw validationFailed({ resource: 'Hook', field: 'url', code: 'invalid' });
        }
        if (url !== undefined) sender.setTarget(url);
        app.webhookSecret = body.text('secret') ?? app.webhookSecret;
        return { status: 200, body: config() };
      },
    },
    { method: 'GET', pattern: '/app/hook/deliveries', handle: listDeliveries },
    {
      method: 'GET',
      pattern: '/app/hook/deliveries/#delivery',
      handle: (call) => ({ status: 200, body: shapes.installations.fullDelivery(deliveryOf(call)) }),
    },
    {
      method: 'POST',
      pattern: '/app/hook/deliveries/#delivery/attempts',
      handle(call) {
        sender.redeliver(deliveryOf(call).id);
        return { status: 202, body: {} };
      },
    },
    {
      // Stands for the App that a person has just registered on the website with a manifest; any code will do.
      method: 'POST',
      pattern: '/app-manifests/:code/conversions',
      handle: () => ({
        status: 201,
        body: {
          ...shapes.accounts.integration(),
          installations_count: world.installations.size,
          client_secret: app.clientSecret,
          webhook_secret: app.webhookSecret,
          pem: app.privateKey,
        },
      }),
    },
  ];
}
