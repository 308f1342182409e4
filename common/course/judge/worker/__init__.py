"""What runs inside the sandbox: the zygote, and what is forked from it.

Nothing here is trusted by the judge once a student's module has been imported beside it: the judge
believes lines, and only what they say in the words of the step protocol and the call protocol.
"""
