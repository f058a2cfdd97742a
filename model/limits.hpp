// Every bound of the system in one place, each with what happens when it is reached. Relations
// between bounds are asserted at compile time at the end. Sizes in bytes unless the name says else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace bourse::limits {

// -- messages: over it the message is refused with too_large and the peer keeps its connection,
//    except a transport frame, whose sender is disconnected (its length cannot be trusted).
inline constexpr std::size_t kMaxCallBytes = 2u << 20;   // one scheduler, executor or operator call
inline constexpr std::size_t kMaxFrameBytes = 8u << 20;  // one transport message (a batch)
inline constexpr std::size_t kMaxRecordIoBytes = 8u << 20;          // one RecordIO record
inline constexpr std::size_t kMaxFrameworkMessageBytes = 1u << 20;  // MESSAGE data, either way
inline constexpr std::size_t kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxJsonElements = 1'000'000;
inline constexpr std::size_t kMaxProtobufDepth = 32;

// -- names: over it the call is refused, naming the field.
inline constexpr std::size_t kMaxIdBytes = 256;     // any id given from outside
inline constexpr std::size_t kMaxNameBytes = 1024;  // names of frameworks, tasks, executors, hosts
inline constexpr std::size_t kMaxRoleBytes = 256;
inline constexpr std::size_t kMaxRoleDepth = 16;
inline constexpr std::size_t kMaxLabels = 256;      // per object
inline constexpr std::size_t kMaxAttributes = 256;  // per agent

// -- resources: over it the message is refused.
inline constexpr std::int64_t kMaxScalarMilli = 1'000'000'000'000'000;  // 10^12 units
inline constexpr std::size_t kMaxResourcesPerObject = 1024;
inline constexpr std::size_t kMaxRangesPerResource = 4096;
inline constexpr std::size_t kMaxSetItems = 4096;
inline constexpr std::size_t kMaxScalarDimensions = 16;  // names of scalars across the cluster

// -- tables of the master: over it the newcomer is refused with `full`.
inline constexpr std::size_t kMaxAgents = 100'000;
inline constexpr std::size_t kMaxFrameworks = 20'000;
inline constexpr std::size_t kMaxRolesPerFramework = 64;
inline constexpr std::size_t kMaxTasksPerFramework = 200'000;
inline constexpr std::size_t kMaxTasksPerAgent = 10'000;
inline constexpr std::size_t kMaxOffersPerFramework = 100'000;
inline constexpr std::size_t kMaxOfferConstraints = 1'024;  // per framework, of all its roles
inline constexpr std::size_t kMaxConstraintTextBytes = 4'096;
inline constexpr std::size_t kMaxDemandShapes = 64;        // per framework, of all its roles
inline constexpr std::size_t kMaxDemandRequests = 10'000;  // in one call; equal ones are one shape
// Looks at an agent's free resources for one answer that shows demands; over it none says how many
// fit.
inline constexpr std::size_t kMaxDemandLooks = 2'000'000;
// What a framework says is the least it can use (offer_filters).
inline constexpr std::size_t kMaxMinimums = 64;  // per framework, of all its roles
inline constexpr std::size_t kMaxMinimumNames = kMaxScalarDimensions;  // of one of them
inline constexpr std::size_t kMaxOffersPerEvent = 1'000;         // what is more goes into the next
inline constexpr std::size_t kMaxOfferBytesPerEvent = 1u << 20;  // about; the same
inline constexpr std::size_t kMaxFiltersPerFramework = 100'000;  // the one ending first is dropped
inline constexpr std::size_t kMaxTasksPerAccept = 10'000;
inline constexpr std::size_t kMaxOffersPerAccept = 1'000;
inline constexpr std::size_t kMaxReconcilePerCall = 100'000;
inline constexpr std::size_t kMaxCompletedFrameworks = 50;            // oldest forgotten
inline constexpr std::size_t kMaxCompletedTasksPerFramework = 1'000;  // oldest forgotten
inline constexpr std::size_t kMaxOperationsPerFramework = 10'000;  // without their acknowledgement
inline constexpr std::size_t kMaxOperationsPerAgent = 10'000;      // likewise, whoever's
inline constexpr std::size_t kMaxCompletedOperationsPerFramework = 1'000;  // oldest forgotten
inline constexpr std::size_t kMaxRegisteringAgents = 20'000;  // admissions waiting for the disk
inline constexpr std::size_t kMaxQuotas = 20'000;             // roles that have one
inline constexpr std::size_t kMaxWeights = 20'000;            // roles that have one
inline constexpr std::int64_t kMaxWeightMilli = 1'000'000'000;
// Planned windows of machines, as they are stored: over it the schedule is refused.
inline constexpr std::size_t kMaxScheduleBytes = 48u << 10;
inline constexpr std::size_t kMaxInverseOffersPerEvent = 1'000;  // what is more goes into the next
inline constexpr std::size_t kMaxRolesPerWrite = 16;  // quotas or weights of one call: one multi

// -- tables of the agent.
inline constexpr std::size_t kMaxPendingUpdatesPerTask =
    64;  // the executor is told to slow, then killed
// Of updates that their framework acknowledged: a repeat of an older one is told again.
inline constexpr std::size_t kMaxAcknowledgedUpdatesPerTask = 64;
inline constexpr std::size_t kMaxExecutorsPerAgent = 10'000;

// -- tables of the service scheduler: over it the change is refused, naming the field.
inline constexpr std::size_t kMaxApps = 10'000;
inline constexpr std::uint32_t kMaxInstancesPerApp = 10'000;
inline constexpr std::uint64_t kMaxServiceInstances = 100'000;  // of all apps together
inline constexpr std::size_t kMaxEarlierVersions = 20;          // per app; the oldest is forgotten
inline constexpr std::size_t kMaxChangesWaitingPerApp = 16;     // for the store
inline constexpr std::size_t kMaxRememberedEnds = 10;           // per app; the oldest is forgotten
inline constexpr std::size_t kMaxGivenUpPerApp = 1'000;  // unreachable and replaced; likewise
inline constexpr std::size_t kMaxAppIdBytes = 63;        // a label of a DNS name
inline constexpr std::size_t kMaxAppCommandBytes = 64u << 10;
inline constexpr std::size_t kMaxAppArguments = 1'000;
inline constexpr std::size_t kMaxAppVariables = 1'000;
inline constexpr std::size_t kMaxAppEnvironmentBytes = 64u << 10;  // names and values
inline constexpr std::size_t kMaxAppRules = 16;
inline constexpr std::uint32_t kMaxAppPorts = 100;           // per instance
inline constexpr std::size_t kMaxInstancesPerRound = 1'000;  // placed on one lot of offers
// Records of instances that are stored together; others follow in the next write. A store in
// ZooKeeper keeps each in a shard of its own, and one transaction holds few of them.
inline constexpr std::size_t kMaxInstancesPerWrite = 8;

// -- queues: byte budgets per connection. A peer over its budget is disconnected with a reason.
inline constexpr std::size_t kPeerQueueBytes = 64u << 20;
// What one who follows the cluster has not read of its events, besides what it began with, which is
// as large as the cluster; and what all have not read, with that: one more is told to come back.
inline constexpr std::size_t kSubscriberQueueBytes = 16u << 20;
inline constexpr std::size_t kAllSubscribersQueueBytes = 512u << 20;
// What a scheduler over HTTP has not read of its events: more, and its stream is closed. A status
// is about 600 bytes of JSON, and one that asks for the state of all its tasks is told all at once.
inline constexpr std::size_t kSchedulerStreamBytes = 128u << 20;
// And what all of them have not: over it those with the most unread are closed.
inline constexpr std::size_t kAllSchedulerStreamsBytes = 512u << 20;
// Schedulers over HTTP: one more is told to come back (503). The rest of the connections is for
// their calls, for operators and for pages.
inline constexpr std::size_t kMaxSchedulerStreams = 2'000;
// Executors over HTTP of one agent, and what one has not read of its events (its tasks, mostly).
inline constexpr std::size_t kMaxExecutorStreams = 2'000;       // one more is told 503
inline constexpr std::size_t kExecutorStreamBytes = 32u << 20;  // more, and its stream is closed
inline constexpr std::size_t kAllExecutorStreamsBytes = 128u << 20;  // likewise who reads least
// What peers of the master sent and it has not looked at (model/peer_inboxes.hpp).
inline constexpr std::size_t kPeerHoldBytes = 16u << 20;  // over it the peer is told to hold
inline constexpr std::size_t kPeerHoldMessages = 50'000;
inline constexpr std::size_t kPeerInboxBytes = 64u << 20;  // over it the peer is disconnected
inline constexpr std::size_t kPeerInboxMessages = 200'000;
inline constexpr std::size_t kInboxesBytes = 384u << 20;   // over it the fullest peer is, or no
                                                           // socket is read until half is left
inline constexpr std::size_t kInboxTurnBytes = 64u << 10;  // looked at before it is another's turn
inline constexpr std::size_t kPeerUnreadBytes = 8u << 20;  // over it the peer is not served
inline constexpr std::size_t kChannelQueueBytes = 16u << 20;  // a peer's own, while told to hold
// Events on their way from the inboxes to the core: enough to keep it busy, and what a newcomer
// waits for at most.
inline constexpr std::size_t kCoreWindowEvents = 4'096;
inline constexpr std::size_t kCoreWindowBytes = 4u << 20;
inline constexpr std::size_t kIngressQueueEvents =
    200'000;  // three quarters full: sockets are not read
inline constexpr std::size_t kChangeQueueEvents = 1'000'000;
// Events that wait to be recorded, about, and as much again in the hands of the recorder's thread:
// over it the recording ends and the master goes on without.
inline constexpr std::size_t kRecorderQueueBytes = 256u << 20;

// -- gateways: what many peers say and hear over one connection (model/gateway_link.hpp).
inline constexpr std::size_t kMaxEnvelopesBytes = kMaxFrameBytes + 4096;  // as kMaxFrameBytes
inline constexpr std::size_t kMaxEnvelopes = 65'536;  // in one message: over it, disconnected
inline constexpr std::size_t kGatewayBatchBytes = 256u << 10;   // about; then the next begins
inline constexpr std::size_t kGatewayPeerBytes = 32u << 20;     // unread by a peer: it is closed
inline constexpr std::size_t kGatewayUnreadBytes = 512u << 20;  // by all: who reads least is closed
inline constexpr std::size_t kMaxGatewayPeers = 20'000;         // over it the newcomer is closed
inline constexpr std::size_t kMaxGateways = 64;                 // of a master; likewise

// -- coordination: what is kept in ZooKeeper, whose servers drop a connection over 1 MB.
inline constexpr std::size_t kMaxStoreKeyBytes = 1024;         // over it the write is refused
inline constexpr std::size_t kMaxStoreValueBytes = 64u << 10;  // over it the write is refused
inline constexpr std::size_t kGoodShardBytes = 64u << 10;      // over it a note is made
inline constexpr std::size_t kMaxShardBytes = 448u << 10;      // over it the write is refused
inline constexpr std::size_t kMaxMultiBytes = 512u << 10;      // what does not fit goes in the next
inline constexpr std::size_t kMaxShardsPerMulti = 16;          // over it one write is refused
inline constexpr std::size_t kMaxShards = 4096;                // over it the registry is refused
inline constexpr std::size_t kMaxPendingWriteBytes = 64u << 20;  // over it a write is refused: full
inline constexpr std::size_t kMaxCandidates = 64;                // later ones are not looked at

// -- sandboxes.
inline constexpr std::uint64_t kMaxStdoutBytes = 64u << 20;  // per file; then rotated once
inline constexpr std::size_t kMaxKeptSandboxes = 50'000;     // of ended tasks; oldest removed
inline constexpr std::size_t kMaxFileReadBytes = 1u << 20;   // one READ_FILE answer
// Explanations: kinds of agents beyond this are pooled, rows beyond this left out, questions beyond
// this refused.
inline constexpr std::size_t kMaxExplainedKinds = 64;
inline constexpr std::size_t kMaxExplainedKindBytes = 200;
inline constexpr std::size_t kMaxExplainedRows = 256;  // of one role
inline constexpr std::uint32_t kMaxExplanationsPerSecond = 20;
// Agents x roles that explanations look at in a second. One over more looks at every second agent,
// or every third, and says so.
inline constexpr std::size_t kMaxExplainedLooks = 100'000;
inline constexpr std::size_t kMaxExplanationsKept = 64;        // the oldest is forgotten
inline constexpr std::size_t kMaxPublishedBytes = 256u << 10;  // one document a framework publishes
inline constexpr std::size_t kMaxPublishedDocuments = 16;      // per framework
inline constexpr std::size_t kMaxPublishedNameBytes = 64;

// -- files that a command asks for: over it the task fails, naming the file.
inline constexpr std::size_t kMaxUrisPerCommand = 1'000;
inline constexpr std::size_t kMaxUriBytes = 8u << 10;
inline constexpr std::uint64_t kMaxFetchedBytes = 64ull << 30;  // one command's, and unpacked
inline constexpr std::size_t kMaxFetchedFiles = 1'000'000;      // likewise
inline constexpr std::uint64_t kFetchCacheBytes = 2ull << 30;   // of one user; the oldest go
inline constexpr Duration kFetchStall = Duration::seconds(60);  // nothing came for so long

// -- time.
inline constexpr Duration kMaxRefuse = Duration::seconds(365LL * 24 * 3600);
inline constexpr Duration kMaxFailoverTimeout = Duration::seconds(10LL * 365 * 24 * 3600);
inline constexpr Duration kMaxDrainWait = Duration::seconds(30LL * 24 * 3600);
// A life's number: milliseconds when it began, or one more than an earlier one; sessions shift it
// by 16 bits.
inline constexpr std::uint64_t kMaxIncarnation = std::uint64_t{1} << 47;
inline constexpr Duration kMaxKillGrace = Duration::seconds(24LL * 3600);

inline constexpr Duration kMaxServiceDelay = Duration::seconds(7LL * 24 * 3600);

static_assert(kMaxServiceInstances <= kMaxTasksPerFramework, "the services must fit a framework");
static_assert(kMaxInstancesPerWrite + 1 <= kMaxShardsPerMulti, "its shards must fit a multi");
static_assert(kMaxInstancesPerRound <= kMaxTasksPerAccept, "a round must fit an accept");
static_assert(kMaxCallBytes <= kMaxFrameBytes, "a call must fit into a frame");
static_assert(kMaxFrameworkMessageBytes < kMaxCallBytes, "a message must fit into its call");
static_assert(kMaxFrameBytes * 4 <= kPeerQueueBytes, "a queue must hold several frames");
// A peer that obeys is never disconnected: what it had under way when it was told to hold (in its
// own queue and in the buffers of the two kernels and of the transport) fits.
static_assert(kPeerHoldBytes + kChannelQueueBytes + kMaxFrameBytes + (16u << 20) <= kPeerInboxBytes,
              "an inbox must hold what was under way");
static_assert(kMaxTasksPerFramework * 600 <= kSchedulerStreamBytes, "a state must fit a stream");
static_assert(kSchedulerStreamBytes * 4 <= kAllSchedulerStreamsBytes, "and several states all");
static_assert(kExecutorStreamBytes * 4 <= kAllExecutorStreamsBytes, "one alone may not close all");
static_assert(kPeerUnreadBytes * 4 <= kPeerQueueBytes, "a peer is set aside before it is dropped");
static_assert(kCoreWindowEvents <= kIngressQueueEvents / 2, "the window must fit into the queue");
static_assert(kPeerUnreadBytes * 4 <= kGatewayPeerBytes, "the master hears before it is dropped");
static_assert(kMaxStoreValueBytes + kMaxStoreKeyBytes < kMaxShardBytes, "a value must fit a shard");
static_assert(kMaxShardBytes + (16u << 10) < kMaxMultiBytes, "a shard must fit into a multi");
static_assert(kMaxScheduleBytes < kMaxStoreValueBytes, "a schedule must fit a value");
static_assert(kMaxRolesPerWrite <= kMaxShardsPerMulti, "its shards must fit a multi");
static_assert(kMaxOfferBytesPerEvent * 4 <= kMaxFrameBytes, "an event must fit into a frame");
static_assert(kMaxTasksPerAccept <= kMaxTasksPerFramework, "an accept must fit its framework");

}  // namespace bourse::limits
