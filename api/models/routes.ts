import { createRoute, z } from '@hono/zod-openapi';
import { bearer, responsesWith } from '../http/contract.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { notFound } from '../http/errors.ts';
import { newRouter } from '../http/router.ts';
import { listModels, Model, ModelList } from './models.ts';

const list = createRoute({
  method: 'get',
  path: '/models',
  operationId: 'listModels',
  summary: 'List the models that are sold now, with their prices',
  security: bearer,
  responses: responsesWith('The models.', ModelList),
});

const retrieve = createRoute({
  method: 'get',
  path: '/models/{model}',
  operationId: 'retrieveModel',
  summary: 'Retrieve a model that is sold now, with its prices',
  security: bearer,
  request: {
    params: z.object({ model: z.string().openapi({ example: 'sora-2', description: 'The name of a model.' }) }),
  },
  responses: responsesWith('The model.', Model, 404),
});

export function modelRoutes(deps: ApiDependencies) {
  return newRouter()
    .openapi(list, async (c) => c.json({ object: 'list' as const, data: await listModels(deps) }, 200))
    .openapi(retrieve, async (c) => {
      const { model: id } = c.req.valid('param');
      const model = (await listModels(deps)).find((each) => each.id === id);
      if (model === undefined) throw notFound('This model');
      return c.json(model, 200);
    });
}
