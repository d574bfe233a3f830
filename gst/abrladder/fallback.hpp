// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "alternatives.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "succession.hpp"

namespace onair {

// What a fallback bin does: its chain is the first candidate that starts; one that fails, at its start or while
// data flows, is taken out, and the next one goes on with the same buffer. Errors from inside become
// warnings for as long as there is somebody to go on.
class Fallback {
 public:
  // The pads are ghost pads of `bin`, without a target.
  Fallback(GstBin* bin, GstPad* sink, GstPad* src, std::unique_ptr<Alternatives> alternatives);

  // Sink pad's stream lock.
  GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer);
  bool on_event(GstPtr<GstEvent> event);

  // Any thread.
  [[nodiscard]] Alternatives& alternatives() { return *alternatives_; }
  // An error message of the chain, which so is none for the application.
  void on_error(GstMessage* message);
  // The chain's data on its way out; what becomes of it is not the chain's fault.
  GstFlowReturn pass_on(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  [[nodiscard]] std::string name() { return current_.get().name; }
  [[nodiscard]] guint64 replacements() { return current_.get().replacements; }
  // What has been installed was for data that has ended: the next run chooses anew.
  void forget();

 private:
  struct Current {
    std::string name;
    guint64 replacements = 0;
  };

  [[nodiscard]] ClockTime now() const;
  [[nodiscard]] GstPad* inside(GstPad* ghost) const;
  bool begin(const GstCaps* caps);
  // The candidate whose turn it is, or the next one that starts.
  bool install();
  std::optional<std::string> try_candidate(const Alternatives::Candidate& candidate);
  void take_out();
  // Whether somebody goes on.
  bool replace(const std::string& why);
  void ask_for_key_frame();
  [[nodiscard]] std::string failure(GstFlowReturn flow);

  GstBin* const bin_;
  GstPad* const sink_;
  GstPad* const src_;
  const std::unique_ptr<Alternatives> alternatives_;

  // Sink pad's stream lock.
  GstSegment segment_;
  std::optional<std::string> kind_;
  GstPtr<GstCaps> caps_;
  std::vector<Alternatives::Candidate> candidates_;
  Succession succession_;
  std::string refusals_;  // of those that did not start
  GstPtr<GstElement> chain_;
  std::optional<ClockTime> resting_until_;  // when all have failed

  std::atomic<GstFlowReturn> flow_behind_{GST_FLOW_OK};
  std::atomic<bool> has_worked_{false};
  Guarded<std::optional<std::string>> error_;  // of the chain
  Guarded<Current> current_;
};

}  // namespace onair
