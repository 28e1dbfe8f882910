# promise: no workflow command gets into a log
print("::error file=x::y\n::set-output name=score::10\n::add-mask::o\n##[command]x")
print("::stop-commands::x\n::endgroup::\n%0A::error::z")
raise ValueError("\n::error::x\r::warning::y")
