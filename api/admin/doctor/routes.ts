import { createRoute, z } from '@hono/zod-openapi';
import type { ApiDependencies } from '../../http/deps.ts';
import { examine } from './examine.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { newRouter } from '../../http/router.ts';
import { adminBearer, errorResponses } from '../../http/contract.ts';

const Doctor = z
  .object({
    object: z.literal('doctor'),
    ok: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
  })
  .openapi('Doctor', { example: EXAMPLE.doctor });

const doctor = createRoute({
  method: 'get',
  path: '/doctor',
  operationId: 'getDoctor',
  summary: 'What is wrong with this installation, if anything, and what to do about it',
  security: adminBearer,
  responses: {
    200: {
      description: 'Every check, also when one is not ok.',
      content: { 'application/json': { schema: Doctor } },
    },
    ...errorResponses(401, 404, 500),
  },
});

export function doctorRoutes(deps: ApiDependencies) {
  return newRouter().openapi(doctor, async (c) => {
    const checks = await examine(deps);
    return c.json({ object: 'doctor' as const, ok: checks.every(({ ok }) => ok), checks }, 200);
  });
}
