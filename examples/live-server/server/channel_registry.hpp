// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/json_lines.hpp"
#include "glue/gstptr.hpp"
#include "server/channel_record.hpp"
#include "server/control_socket.hpp"
#include "server/rtp_door.hpp"
#include "server/running_channel.hpp"
#include "timer.hpp"

namespace live {

// All that runs, channels and connections alike, by id: each has a state file in DATA/channels and a folder in DATA/hls,
// which outlive the server, and workers, which come by the control socket. Main thread.
class ChannelRegistry {
 public:
  using Entries = std::map<std::string, std::unique_ptr<RunningChannel>>;

  // `on_removed`: the process and the folder of one that was discarded are gone.
  ChannelRegistry(std::string data, std::function<void(const std::string& id)> on_removed);

  // No other server has DATA from now on. Empty, or why it can't.
  [[nodiscard]] std::string open();
  // What the server before this one has left.
  [[nodiscard]] std::vector<ChannelRecord> read() const;
  // All that was added goes on when workers of the server before have had time to come; then `done`.
  void resume(std::function<void()> done);
  // All broadcasts end cleanly, then `done`. What there is stays.
  void close(std::function<void()> done);
  [[nodiscard]] bool is_closing() const { return static_cast<bool>(on_closed_); }

  // False if it can't be: the log says why.
  [[nodiscard]] bool save(const ChannelRecord& record);
  // Folder, control socket, on_record and on_gone of its surroundings are set here.
  RunningChannel& add(ChannelRecord record, RunningChannel::Surroundings surroundings,
                      std::unique_ptr<RtpDoor> door);
  // A new one; with all others as long as these wait.
  void open(RunningChannel& its);
  // It is stopped. Its state file goes, and with sweep() its folder as soon as its process has.
  void discard(const std::string& id);
  void sweep();

  // Null if there is none, or it was discarded.
  [[nodiscard]] RunningChannel* find(const std::string& id) const;
  [[nodiscard]] const Entries& all() const { return entries_; }
  // Without connections.
  [[nodiscard]] RunningChannel* channel(const std::string& id) const;
  [[nodiscard]] std::vector<RunningChannel*> channels() const;
  // That are there, also of what was discarded.
  [[nodiscard]] std::size_t workers() const;

  [[nodiscard]] std::string hls_folder() const { return data_ + "/hls"; }
  // Of its playlists and segments, and its thumbnail.
  [[nodiscard]] std::string folder_of(const std::string& id) const {
    return hls_folder() + "/" + id;
  }

 private:
  // A process that has not said hello.
  struct Visitor {
    std::unique_ptr<JsonLines> link;
  };

  [[nodiscard]] std::string records_folder() const { return data_ + "/channels"; }
  [[nodiscard]] std::string file_of(const std::string& id) const;
  // Also one that is on its way out.
  [[nodiscard]] RunningChannel* any(const std::string& id) const;
  void on_connection(onair::GstPtr<GSocket> socket);
  void on_hello(std::list<Visitor>::iterator visitor, std::string& attached, const Json& message);
  void on_gone(const std::string& id);

  const std::string data_;
  const std::function<void(const std::string& id)> on_removed_;
  ControlSocket control_;
  Entries entries_;
  Entries removed_;  // whose workers are on their way out
  std::list<Visitor> visitors_;
  Timer opening_;
  Timer sweeping_;
  std::function<void()> on_closed_;
};

}  // namespace live
