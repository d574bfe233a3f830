// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "input.hpp"
#include "publication.hpp"
#include "rendition.hpp"
#include "settings.hpp"

namespace onair {

// What is inside the element: streams from the balancer, the renditions that they make, and what is
// published of them. It makes the renditions when the first frame comes: from then on it is known which
// streams there are.
class LiveSink : public Input::Listener,
                 public Publication::Surroundings,
                 public std::enable_shared_from_this<LiveSink> {
 public:
  explicit LiveSink(GstBin* bin) : bin_{bin} {}

  // The application's thread.
  void add(MediaKind kind, unsigned number, GstPad* source);
  void remove(MediaKind kind, unsigned number);
  // Of streams to come.
  void set_container(Container container) { container_ = container; }
  // Whether it could; what is wrong has been posted.
  [[nodiscard]] bool start(const LiveSettings& settings);
  // In front of the bin's own way down, so that whatever waits returns; and behind it. What was published
  // stays, and the next start goes on with it, until it is withdrawn.
  void abandon();
  void stop();
  void withdraw();
  void set_playing(bool is_playing);

  // Any thread.
  void on_boundary(const GstStructure* boundary);
  [[nodiscard]] StructurePtr request(std::string_view target, std::uint64_t offset);
  [[nodiscard]] StructurePtr stats();

  // Input::Listener
  GstFlowReturn on_frame(const Input& input, MediaFrame frame) override;
  void on_end(const Input& input) override;
  void on_timeline(const GstStructure* mapping) override;
  [[nodiscard]] GstPtr<GstCaps> takes(MediaKind kind) override;

  // Publication::Surroundings
  [[nodiscard]] ClockTime now() override;
  void on_change(const std::string& name) override;
  void on_message(StructurePtr message) override;
  void on_failure(const StorageError& error) override;
  [[nodiscard]] std::optional<AesBlock> key(std::uint64_t number) override;

 private:
  using Renditions = std::vector<std::shared_ptr<Rendition>>;

  using InputPtr = std::shared_ptr<Input>;

  [[nodiscard]] std::shared_ptr<const Renditions> renditions_of(const Input& input);
  [[nodiscard]] std::shared_ptr<Publication> publication();
  void make_renditions();
  void make_rendition(const std::string& name, unsigned number, bool is_group,
                      const std::vector<InputPtr>& inputs);
  [[nodiscard]] InputPtr find(MediaKind kind, unsigned number) const;
  [[nodiscard]] InputPtr first_sound() const;
  void observe_clock();

  GstBin* const bin_;
  std::atomic<Container> container_{Container::MpegTs};

  std::mutex mutex_;
  std::map<std::pair<MediaKind, unsigned>, InputPtr> inputs_;
  std::map<const Input*, bool> ended_;
  std::shared_ptr<Publication> publication_;
  Renditions renditions_;
  std::map<const Input*, std::shared_ptr<const Renditions>> routes_;
  Duration patience_{};                  // with streams that stand still
  std::optional<RunningTime> observed_;  // the wall clock
  bool is_started_ = false;
  bool is_playing_ = false;
  bool has_end_to_post_ = false;
  ClockTime newest_now_{};
};

}  // namespace onair
