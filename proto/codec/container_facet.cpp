#include "proto/codec/container_facet.hpp"

#include "model/limits.hpp"
#include "proto/codec/label_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/command.pb.h"
#include "proto/v1/container.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

namespace {

Status read_secret(const v1::Secret& secret, const FieldPath& at, ContainerFacet& out) {
  if (secret.has_value()) {
    return invalid(
        "'" + at.at("value").text() +
        "' holds a secret by value: descriptions are stored and shown, so a secret must " +
        "be given as a reference");
  }
  if (Status ok = check_text(secret.reference().name(), limits::kMaxNameBytes, at.at("reference"));
      !ok) {
    return ok;
  }
  out.secret_references.push_back(secret.reference().name());
  return {};
}

Status read_volume(const v1::Volume& volume, const FieldPath& at, ContainerFacet& out) {
  if (Status ok = check_text(volume.host_path(), limits::kMaxNameBytes, at.at("host_path")); !ok) {
    return ok;
  }
  // A relative host path lies in the sandbox and is nobody's business.
  if (!volume.host_path().empty() && volume.host_path().front() == '/') {
    out.host_paths.push_back(volume.host_path());
  }
  if (!volume.has_source()) return {};
  if (volume.source().has_host_path()) {
    if (Status ok =
            check_text(volume.source().host_path().path(), limits::kMaxNameBytes, at.at("source"));
        !ok) {
      return ok;
    }
    out.host_paths.push_back(volume.source().host_path().path());
  }
  if (volume.source().has_secret()) {
    const FieldPath source = at.at("source");
    return read_secret(volume.source().secret(), source.at("secret"), out);
  }
  return {};
}

bool uses_host_network(const v1::ContainerInfo& container) {
  if (container.type() == v1::ContainerInfo::DOCKER) {
    return container.docker().network() == v1::ContainerInfo::DockerInfo::HOST &&
           container.network_infos().empty();
  }
  for (const v1::NetworkInfo& network : container.network_infos()) {
    if (network.has_name()) return false;
  }
  return true;
}

}  // namespace

Status read_container(const v1::ContainerInfo* container, const v1::CommandInfo* command,
                      const FieldPath& at, ContainerFacet& out) {
  if (command != nullptr) {
    const FieldPath command_path = at.at("command");
    const FieldPath environment = command_path.at("environment");
    for (int i = 0; i < command->environment().variables_size(); ++i) {
      const v1::Environment::Variable& variable = command->environment().variables(i);
      if (!variable.has_secret()) continue;
      const FieldPath here = environment.at("variables", i);
      if (Status ok = read_secret(variable.secret(), here.at("secret"), out); !ok) return ok;
    }
  }
  if (container == nullptr) return {};
  const FieldPath base = at.at("container");
  for (int i = 0; i < container->volumes_size(); ++i) {
    if (Status ok = read_volume(container->volumes(i), base.at("volumes", i), out); !ok) return ok;
  }
  out.has_image = container->docker().has_image() || container->mesos().has_image();
  out.privileged = container->docker().privileged();
  out.host_network = uses_host_network(*container);
  if (container->mesos().image().docker().has_config()) {
    const FieldPath mesos = base.at("mesos");
    const FieldPath image = mesos.at("image");
    return read_secret(container->mesos().image().docker().config(), image.at("config"), out);
  }
  return {};
}

Status check_labels(const v1::TaskInfo& info, const FieldPath& at) {
  if (!info.has_labels()) return {};
  Result<std::vector<Label>> labels = read_labels(info.labels(), at.at("labels"));
  if (!labels) return labels.error();
  return {};
}

}  // namespace bourse::codec
