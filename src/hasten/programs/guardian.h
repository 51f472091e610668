// A process that watches over another one, its child, which has children of its own.
#pragma once

namespace hasten::programs {

// Goes on in a child of this process, which is told by SIGTERM when this one is killed. This process returns from nothing: it waits, keeps
// none of its descriptors but the standard streams for output, and ends with the child's exit status. Where the child was killed or failed,
// it first kills everything that the child left behind: as a subreaper it gets what lost its parent.
void go_on_in_child();

} // namespace hasten::programs
