//! What the standard library would bring: an allocator, and what happens on a panic.

use dlmalloc::GlobalDlmalloc;

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

/// A panic is a bug in a policy. It traps: the host replaces the instance, tries the call once more
/// and reports it. The message would have nowhere to go, since the component imports no output.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
