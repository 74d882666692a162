/** The page that shows the API and lets one try it; all of it is from this process, so it works offline. */

export const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Holdfast API</title>
    <link rel="icon" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="stylesheet" href="/docs/page.css" />
  </head>
  <body>
    <div id="reference"></div>
    <noscript>This page needs JavaScript; the same is at <a href="/llms.txt">/llms.txt</a> and <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`;

export const STYLE = `.tag-group { margin: 2.5rem 0 0.5rem; font: 600 1.6rem sans-serif; color: #3b4151; }
html.dark-mode .tag-group { color: #e4e6e6; }
`;

/**
 * The groups of tags have headings, and the last group, that of operators, begins closed. A form begins with the example of its
 * schema, and what is left empty is not sent: Swagger UI would make up a value for each field, or send it empty. Without
 * `validatorUrl: null` the page would show the document's address to a validator elsewhere.
 */
export const SCRIPT = `const groupsOf = (system) => system.specSelectors.specJson().get('x-tagGroups').toJS();

const headings = () => ({
  wrapComponents: {
    OperationTag: (Tag, system) => (props) => {
      const { createElement, Fragment } = system.React;
      const group = groupsOf(system).find(({ tags }) => tags[0] === props.tag);
      const heading = group && createElement('h2', { className: 'tag-group' }, group.name);
      return createElement(Fragment, null, heading, createElement(Tag, props));
    },
  },
});

const formsBeginWithTheirExample = (spec) => {
  for (const [name, { properties, example }] of Object.entries(spec.components.schemas)) {
    if (!name.endsWith('Form')) continue;
    for (const [field, schema] of Object.entries(properties)) schema.example = example[field] ?? '';
  }
  return spec;
};

const forms = () => ({
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (update) => (spec) => update(formsBeginWithTheirExample(spec)) } },
  },
});

const withoutEmptyFields = (request) => {
  if (request.body instanceof FormData) {
    for (const [field, value] of [...request.body]) if (value === '') request.body.delete(field);
  }
  return request;
};

const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  plugins: [headings, forms],
  requestInterceptor: withoutEmptyFields,
  onComplete: () => {
    for (const tag of groupsOf(ui).at(-1).tags) {
      const isLinkedTo = decodeURIComponent(location.hash).startsWith('#/' + tag);
      if (!isLinkedTo) ui.layoutActions.show(['operations-tag', tag], false);
    }
  },
});
`;
