import { h } from '../dom.js';

/** A trade's page in the Temporal Web UI; its id alone where the address is not known. */
export function workflowLink({ temporalUi, temporalNamespace }, workflowId, text = workflowId) {
  if (!temporalUi) return h('code', {}, workflowId);
  const href = `${temporalUi.replace(/\/$/, '')}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return h(
    'a',
    {
      href,
      target: '_blank',
      rel: 'noopener noreferrer',
      'aria-label': `${workflowId} in the Temporal Web UI`,
    },
    text,
    h('span', { class: 'out', 'aria-hidden': 'true' }, ' ↗'),
  );
}
