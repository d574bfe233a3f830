// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"

namespace onair::hlsorigin {

// A source under a prefix. It is held weakly: a sink that has an origin inside, and mounts itself
// there, must be able to die.
class Mount {
 public:
  Mount(std::string prefix, GObject* source);
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  // Null when it is gone.
  [[nodiscard]] GstPtr<GObject> source() const;

 private:
  std::string prefix_;
  mutable GWeakRef source_;
};
using MountPtr = std::shared_ptr<Mount>;

// What is mounted where, while an origin listens and while it does not. Any thread.
class Mounts : public std::enable_shared_from_this<Mounts> {
 public:
  // Called on the thread of whoever brings the news; must not block.
  struct Listener {
    std::function<void(const MountPtr&, std::string name)> on_changed;
    std::function<void(const MountPtr&)> on_unmounted;
  };
  struct Found {
    MountPtr mount;
    std::string name;  // the path below the prefix
  };

  void set_listener(Listener listener);
  // Takes the place of what is mounted there.
  void add(const std::string& prefix, GObject* source);
  // Whether there was one.
  bool remove(const std::string& prefix);
  // The longest prefix wins.
  [[nodiscard]] std::optional<Found> find(const std::string& path);

 private:
  class Connection;
  struct State {
    std::map<std::string, std::shared_ptr<Connection>> connections;
    Listener listener;
  };
  void forget(const std::shared_ptr<Connection>& connection);
  Guarded<State> state_;
};

}  // namespace onair::hlsorigin
