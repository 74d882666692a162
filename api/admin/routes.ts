import type { ApiDependencies } from '../http/deps.ts';
import { newRouter } from '../http/router.ts';
import { webhookDeliveryRoutes } from '../webhooks/deliveries/routes.ts';
import { webhookEndpointRoutes } from '../webhooks/endpoints/routes.ts';
import { THE_OPERATOR } from '../webhooks/owner.ts';
import { accountCreditRoutes } from './accounts/creditRoutes.ts';
import { accountRoutes } from './accounts/routes.ts';
import { doctorRoutes } from './doctor/routes.ts';
import { adminGenerationRoutes } from './generations/routes.ts';
import { keyRoutes } from './keys/routes.ts';
import { overviewRoutes } from './overview/routes.ts';
import { adminPriceRoutes } from './prices/routes.ts';
import { reconcileRoutes } from './reconcile/routes.ts';
import { refundRoutes } from './refunds/routes.ts';
import { salesRoutes } from './sales/routes.ts';

/** The routes of an operator, below `/admin`. */
export function adminRoutes(deps: ApiDependencies) {
  return newRouter()
    .route('/', accountRoutes(deps))
    .route('/', accountCreditRoutes(deps))
    .route('/', adminGenerationRoutes(deps))
    .route('/', keyRoutes(deps))
    .route('/', refundRoutes(deps))
    .route('/', overviewRoutes(deps))
    .route('/', adminPriceRoutes(deps))
    .route('/', salesRoutes(deps))
    .route('/', reconcileRoutes(deps))
    .route('/', webhookEndpointRoutes(deps, THE_OPERATOR))
    .route('/', webhookDeliveryRoutes(deps, THE_OPERATOR))
    .route('/', doctorRoutes(deps));
}
