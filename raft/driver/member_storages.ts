/**
 * Which storage each member has. A member whose disk was wiped or exchanged has forgotten whom it voted for and what it acknowledged; under
 * its old name it could give a second vote in a term, or elect a leader that lacks what was committed (C12). So its storage is remembered
 * with it, durably, from its first hello on, and another storage under its name is refused in both directions: its streams are not read,
 * and none is opened to it. That ends when the member is taken out of the group.
 *
 * What this cannot see: a wiped member at another one that never met it before the wipe.
 *
 * @module
 */
import { isMember, membersOf } from "../config.ts";
import type { ClusterConfig, Index, NodeId } from "../entry.ts";
import type { KnownStorage } from "../log_store.ts";

/** Options of {@link MemberStorages}. */
export interface MemberStoragesOptions {
  /** What was remembered before. */
  readonly known: readonly KnownStorage[];
  /** Makes it durable. Called one at a time. */
  readonly remember: (storages: readonly KnownStorage[]) => Promise<void>;
  /** It could not be made durable, and nobody waits for it. */
  readonly failed: (error: unknown) => void;
}

/** The storages of the other members. */
export class MemberStorages {
  readonly #options: MemberStoragesOptions;
  readonly #known: Map<NodeId, KnownStorage>;
  #config: ClusterConfig;
  #configIndex: Index;
  /** Whether the disk holds less than `#known`. */
  #unsaved = false;
  #saving: Promise<void> | undefined;

  /** Begins in a configuration. */
  constructor(
    options: MemberStoragesOptions,
    initial: { readonly config: ClusterConfig; readonly configIndex: Index },
  ) {
    this.#options = options;
    this.#known = new Map(options.known.map((one) => [one.id, one]));
    this.#config = initial.config;
    this.#configIndex = initial.configIndex;
  }

  /**
   * Looks at what a peer says of itself; when it resolves without a word, the peer is who it was, and that is durable.
   *
   * @returns Why the peer must not be listened to, and what to do about it.
   * @throws {Error} When it cannot be made durable: the peer must not be listened to yet.
   */
  async admit(id: NodeId, storageId: string): Promise<string | undefined> {
    const refused = this.refuses(id, storageId);
    if (refused !== undefined) return refused;
    if (!this.#known.has(id)) this.#learn(id, storageId);
    if (this.#unsaved || this.#saving !== undefined) await this.#save();
    return undefined;
  }

  /** Why who comes with this storage is not the member that was met before; `undefined`: nothing is known against it. */
  refuses(id: NodeId, storageId: string): string | undefined {
    const known = this.#known.get(id);
    if (known === undefined || known.storageId === storageId) return undefined;
    return refusal(id, known.storageId, storageId);
  }

  /** Members that no storage is known of: they were never met. */
  unmet(self: NodeId): readonly NodeId[] {
    return membersOf(this.#config).filter((id) => id !== self && !this.#known.has(id));
  }

  /**
   * Another configuration is in force.
   *
   * @param open Peers whose streams are open: they may have been strangers when they said hello.
   */
  changed(
    config: ClusterConfig,
    configIndex: Index,
    open: Iterable<readonly [NodeId, string]>,
  ): void {
    this.#config = config;
    this.#configIndex = configIndex;
    for (const [id, storageId] of open) if (!this.#known.has(id)) this.#learn(id, storageId);
    this.#saveSoon();
  }

  /** A configuration was applied. Who does not belong to it may come back with another storage. */
  applied(config: ClusterConfig, configIndex: Index): void {
    for (const [id, { since }] of this.#known) {
      // A restart applies old configurations again, in which a later member is none yet.
      if (since > configIndex || isMember(config, id)) continue;
      this.#known.delete(id);
      this.#unsaved = true;
    }
    this.#saveSoon();
  }

  #learn(id: NodeId, storageId: string): void {
    if (storageId === "") return; // its store does not tell
    if (!isMember(this.#config, id)) return; // anybody can make names up
    this.#known.set(id, { id, storageId, since: this.#configIndex });
    this.#unsaved = true;
  }

  #saveSoon(): void {
    if (this.#unsaved) this.#save().catch((error) => this.#options.failed(error));
  }

  #save(): Promise<void> {
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #write(): Promise<void> {
    while (this.#unsaved) {
      this.#unsaved = false;
      try {
        await this.#options.remember([...this.#known.values()]);
      } catch (error) {
        this.#unsaved = true; // the next hello tries again
        throw error;
      }
    }
  }
}

function refusal(id: NodeId, known: string, found: string): string {
  const short = (storageId: string) => storageId === "" ? "none" : `${storageId.slice(0, 8)}…`;
  return [
    `Member '${id}' comes with storage ${short(found)}, but had ${short(known)}:`,
    "its disk was wiped or exchanged, so it has forgotten its votes.",
    `Remedy: stop it, remove '${id}' from the group,`,
    "start it with an empty directory, a new id and without 'bootstrap', and add that",
  ].join(" ");
}
