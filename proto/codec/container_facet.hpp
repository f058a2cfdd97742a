// What a container may do on the host, as policy sees it: from ContainerInfo and CommandInfo.
// Private to the codec; any thread.
#pragma once

#include "base/result.hpp"
#include "model/facets.hpp"
#include "proto/codec/field_path.hpp"

namespace mesos::v1 {
class CommandInfo;
class ContainerInfo;
class TaskInfo;
}  // namespace mesos::v1

namespace bourse::codec {

// Either may be null. A secret given by value is refused: descriptions are stored and shown.
Status read_container(const mesos::v1::ContainerInfo* container,
                      const mesos::v1::CommandInfo* command, const FieldPath& at,
                      ContainerFacet& out);
Status check_labels(const mesos::v1::TaskInfo& info, const FieldPath& at);

}  // namespace bourse::codec
