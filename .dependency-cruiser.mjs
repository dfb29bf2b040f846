export default { forbidden: [{name:'no-circular',severity:'error',from:{},to:{circular:true}}], options:{ parser:'swc', tsPreCompilationDeps:true, doNotFollow:{path:'node_modules'} } };
