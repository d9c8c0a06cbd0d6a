//! A panic on purpose, in debug builds only: a test shows with it that a panic's text reaches nobody.

use crate::delivery::Plan;
use crate::world::World;

/// Panics with every secret of `plan` in the message when `JOBPASS_TEST_PANIC` is set.
#[allow(clippy::panic, reason = "that is its purpose")]
pub(super) fn panic_if_asked(plan: &Plan, world: &World) {
    if world.switch("JOBPASS_TEST_PANIC") {
        panic!("{}", plan.env_block().as_deref().map_or("no block", |block| block.as_str()));
    }
}
