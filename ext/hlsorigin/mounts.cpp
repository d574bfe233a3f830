// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mounts.hpp"

#include <string_view>
#include <utility>

#include "glue/signals.hpp"

namespace onair::hlsorigin {
namespace {

// "channel" is "/channel/".
std::string normalized(std::string_view prefix) {
  std::string result{"/"};
  result += prefix.substr(prefix.starts_with('/') ? 1 : 0);
  if (!result.ends_with('/'))
    result += '/';
  return result;
}

}  // namespace

Mount::Mount(std::string prefix, GObject* source) : prefix_{std::move(prefix)} {
  g_weak_ref_init(&source_, source);
}

Mount::~Mount() {
  g_weak_ref_clear(&source_);
}

GstPtr<GObject> Mount::source() const {
  return GstPtr<GObject>::adopt(static_cast<GObject*>(g_weak_ref_get(&source_)));
}

// A mount and what its source's signal reaches.
class Mounts::Connection {
 public:
  Connection(std::weak_ptr<Mounts> mounts, MountPtr mount)
      : mounts_{std::move(mounts)}, mount_{std::move(mount)} {}

  static void connect(const std::shared_ptr<Connection>& self, GObject* source) {
    const auto on_changed = +[](GObject*, const char* name, gpointer data) {
      const auto connection = strong_from<Connection>(data);
      const auto mounts = connection ? connection->mounts_.lock() : nullptr;
      if (!mounts || !name)
        return;
      const auto listener = mounts->state_.lock()->listener.on_changed;
      if (listener)
        listener(connection->mount_, name);
    };
    self->handler_ = connect_weak(source, "resource-changed", G_CALLBACK(on_changed), self);
  }
  void disconnect() const {
    if (const auto source = mount_->source())
      g_signal_handler_disconnect(source.get(), handler_);
  }
  [[nodiscard]] const MountPtr& mount() const { return mount_; }

 private:
  const std::weak_ptr<Mounts> mounts_;
  const MountPtr mount_;
  gulong handler_ = 0;
};

void Mounts::set_listener(Listener listener) {
  std::swap(state_.lock()->listener, listener);  // the former one dies after the lock
}

void Mounts::add(const std::string& prefix, GObject* source) {
  const auto name = normalized(prefix);
  auto connection =
      std::make_shared<Connection>(weak_from_this(), std::make_shared<Mount>(name, source));
  Connection::connect(connection, source);
  std::swap(state_.lock()->connections[name], connection);
  forget(connection);
}

bool Mounts::remove(const std::string& prefix) {
  std::shared_ptr<Connection> connection;
  {
    const auto state = state_.lock();
    const auto found = state->connections.find(normalized(prefix));
    if (found == state->connections.end())
      return false;
    connection = std::move(found->second);
    state->connections.erase(found);
  }
  forget(connection);
  return true;
}

void Mounts::forget(const std::shared_ptr<Connection>& connection) {
  if (!connection)
    return;
  connection->disconnect();
  const auto listener = state_.lock()->listener.on_unmounted;
  if (listener)
    listener(connection->mount());
}

std::optional<Mounts::Found> Mounts::find(const std::string& path) {
  const auto state = state_.lock();
  for (auto slash = path.rfind('/'); slash != std::string::npos;
       slash = path.rfind('/', slash - 1)) {
    const auto found = state->connections.find(path.substr(0, slash + 1));
    if (found != state->connections.end())
      return Found{.mount = found->second->mount(), .name = path.substr(slash + 1)};
    if (slash == 0)
      break;
  }
  return std::nullopt;
}

}  // namespace onair::hlsorigin
