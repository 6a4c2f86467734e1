import { LanguageModelTextPart, type LanguageModelTool, LanguageModelToolResult, lm, MarkdownString } from 'vscode';
import { isSameServer, targetOf } from '../../action/plan/plan.ts';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import {
  type AgentAnswer,
  agentExplanation,
  agentStatus,
  noSuchServer,
  restartAnswer,
  restartedInstance,
  restartQuestion,
  restartTargetOf,
  restartText,
  unchangedAnswer,
} from '../../mcp/agentAnswers.ts';
import { type AgentToolName, agentToolNames } from '../../mcp/agentTools.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { asMarkdown } from '../display/plainText.ts';
import { isRestartable } from '../window/windowFacts.ts';
import type { WindowState } from '../window/windowState.ts';

export interface AgentToolTargets {
  readonly state: WindowState;
  /** A fresh scan. @throws when the machine cannot be scanned */
  scan(): Promise<Snapshot>;
  /** Restarts a server as a click does, with the same questions and messages. */
  restart(instance: Instance): Promise<void>;
}

/** Registers the language model tools, which answer as our MCP server does. Loaded after activation. */
export function registerAgentTools(targets: AgentToolTargets): Disposable {
  const { scan } = targets;
  const store = new DisposableStore();
  const register = (name: AgentToolName, tool: LanguageModelTool<unknown>): void => void store.add(lm.registerTool(name, tool));
  register(agentToolNames.status, {
    async invoke() {
      return resultOf(agentStatus(await scan()));
    },
  });
  register(agentToolNames.explain, {
    async invoke({ input }) {
      return resultOf(agentExplanation(property(input, 'server'), await scan()));
    },
  });
  register(agentToolNames.restart, {
    prepareInvocation({ input }) {
      const target = restartTargetOf(input);
      const { snapshot } = targets.state;
      const instance = target && snapshot && restartedInstance(target, snapshot);
      return {
        confirmationMessages: {
          title: t('Restart MCP Server'),
          // VS Code may read a plain string as Markdown.
          message: instance
            ? new MarkdownString(asMarkdown(restartQuestion(instance), 600))
            : t('This server is not in the list of running servers; nothing will be restarted.'),
        },
      };
    },
    async invoke({ input }) {
      return resultOf(await restart(input, targets));
    },
  });
  return store;
}

/** Restarts where the answer of our MCP server would: by a window, guard or client that is asked. */
async function restart(input: unknown, { state, scan, restart: click }: AgentToolTargets): Promise<AgentAnswer> {
  const target = restartTargetOf(input);
  const before = await scan();
  const instance = target && restartedInstance(target, before);
  if (!instance) {
    return noSuchServer;
  }
  if (!isRestartable(instance, before, state.facts)) {
    return unchangedAnswer('user-must-act', restartText(instance, before));
  }
  await click(instance);
  const after = await scan();
  if (after.instances.some(({ id }) => id === instance.id)) {
    return restartAnswer({ status: 'failed', message: '', steps: [] }, instance, after);
  }
  const fresh = after.instances.find((one) => isSameServer(one, targetOf(instance)));
  const result = fresh && { pid: fresh.pid, runs: fresh.package?.running ?? null };
  return restartAnswer({ status: 'done', message: '', steps: [], ...(result ? { after: result } : {}) }, instance, after);
}

function property(input: unknown, name: string): unknown {
  return typeof input === 'object' && input !== null ? Reflect.get(input, name) : undefined;
}

function resultOf(answer: AgentAnswer): LanguageModelToolResult {
  return new LanguageModelToolResult([new LanguageModelTextPart(JSON.stringify(answer))]);
}
