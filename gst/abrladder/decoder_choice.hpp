// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "alternatives.hpp"
#include "families.hpp"
#include "glue/guarded.hpp"

namespace onair {

// Anything that some installed decoder takes → raw. What is raw already passes.
class DecoderChoice : public Alternatives {
 public:
  DecoderChoice() = default;

  // As Families::parse(); false when it is no list. Any thread, and for the next caps.
  bool allow(const std::string& families);
  [[nodiscard]] std::string allowed() const { return allowed_.get().text; }

  [[nodiscard]] GstPtr<GstCaps> takes() const override;
  [[nodiscard]] bool lets_in(const GstCaps*) const override { return true; }
  [[nodiscard]] std::string kind_of(const GstCaps* caps) const override;
  [[nodiscard]] std::vector<Candidate> candidates(const GstCaps* caps) const override;

 private:
  struct Allowed {
    std::string text;
    Families families;
  };
  mutable Guarded<Allowed> allowed_;
};

// nvidia for NVIDIA's plugin, the plugin's name for others: libav, openh264, opus.
std::string family_of(GstElementFactory* factory);

}  // namespace onair
