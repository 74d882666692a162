import { createRoute, z } from '@hono/zod-openapi';
import { adminBearer, errorResponses, jsonResponse } from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { newRouter } from '../../http/router.ts';
import { examine } from './examine.ts';

const DoctorCheck = z.object({ name: z.string(), ok: z.boolean(), message: z.string() }).openapi('DoctorCheck');

const Doctor = z
  .object({
    object: z.literal('doctor'),
    ok: z.boolean(),
    checks: z.array(DoctorCheck),
  })
  .openapi('Doctor', { example: EXAMPLE.doctor });

const doctor = createRoute({
  method: 'get',
  path: '/doctor',
  operationId: 'getDoctor',
  summary: 'Check this installation and get advice on each problem',
  security: adminBearer,
  responses: {
    200: jsonResponse('Every check, whether it passed or failed.', Doctor),
    ...errorResponses(401, 404, 500),
  },
});

export function doctorRoutes(deps: ApiDependencies) {
  return newRouter().openapi(doctor, async (c) => {
    const checks = await examine(deps);
    return c.json({ object: 'doctor' as const, ok: checks.every(({ ok }) => ok), checks }, 200);
  });
}
