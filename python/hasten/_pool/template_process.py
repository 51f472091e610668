"""The processes of the start method ``template``, as multiprocessing sees them from both sides."""

from __future__ import annotations

from multiprocessing import process

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from hasten._pool.template import Popen


class TemplateProcess(process.BaseProcess):
    """A process that is forked from the template."""

    _start_method = None  # what a process starts itself is started by the program's own default

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Popen:
        from hasten._pool import template  # late: in a process of the template, this class is all that is needed

        return template.Popen(process_obj)
