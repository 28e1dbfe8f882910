# promise: no formula gets into a table
print('=HYPERLINK("http://192.0.2.1"),+1,-1,@SUM(1),\t=1,\r=1,|calc')
raise ValueError("=cmd|'/C calc'!A0")
