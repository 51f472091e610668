"""The processes of the start method ``template``, as multiprocessing sees them from both sides."""

from __future__ import annotations

from multiprocessing import process

TYPE_CHECKING = False  # without typing, whose import takes a worker milliseconds
if TYPE_CHECKING:
    from hasten._pool.template import Popen, Request


class TemplateProcess(process.BaseProcess):
    """A process that is forked from the template."""

    _start_method = None  # what a process starts itself is started by the program's own default
    _request: Request | None = None

    def ask_ahead(self) -> None:
        """Ask the template for this process, so that `start` only has to wait for its birth."""
        from hasten._pool import template  # late, as below

        self._request = template.Request(self)
        template.templates.ask(self._request)

    def withdraw(self) -> None:
        """Have the template not make the process that it was asked for ahead."""
        request, self._request = self._request, None
        if request is not None:
            request.withdraw()

    def take_request(self) -> Request | None:
        """Return what was asked for ahead, for whoever waits for it."""
        request, self._request = self._request, None
        return request

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Popen:
        from hasten._pool import template  # late: in a process of the template, this class is all that is needed

        return template.Popen(process_obj)
